"""The public names of the backend, and where each is defined: the one list, read by type checkers and by __init__.py."""

from .comparison.compare import Comparison as Comparison, compare_states as compare_states
from .comparison.state_result import StateResult as StateResult
from .errors import (
    DisagreementError as DisagreementError,
    FileFormatError as FileFormatError,
    InputError as InputError,
    MissingAnglesError as MissingAnglesError,
    MissingExtraError as MissingExtraError,
    MissingFileError as MissingFileError,
    MissingLayoutError as MissingLayoutError,
    MissingScaleError as MissingScaleError,
    NoPermissionError as NoPermissionError,
    OutputError as OutputError,
    Stopped as Stopped,
)
from .files import (
    RawLayout as RawLayout,
    read_tilt_series as read_tilt_series,
    read_volume as read_volume,
    read_xf as read_xf,
    write_surface as write_surface,
    write_table as write_table,
    write_volume as write_volume,
    write_xf as write_xf,
)
from .files.image_series import read_image_series as read_image_series
from .history import HistoryStep as HistoryStep
from .in_situ import (
    BreakPoint as BreakPoint,
    ImageSeries as ImageSeries,
    Rectangle as Rectangle,
    box_intensities as box_intensities,
    break_point as break_point,
    fibre_diameter as fibre_diameter,
    image_drift as image_drift,
    rectangle_profile as rectangle_profile,
)
from .line_profiles import LineProfile as LineProfile, line_profile as line_profile
from .measurement.contacts import contact_areas as contact_areas
from .measurement.correlation import (
    correlation_length as correlation_length,
    two_point_correlation as two_point_correlation,
)
from .measurement.cube_sizes import (
    cube_fractions as cube_fractions,
    representative_edge as representative_edge,
)
from .measurement.dead_pores import (
    DeadPores as DeadPores,
    accessible_pores as accessible_pores,
    dead_pores as dead_pores,
)
from .measurement.diffusion import (
    EffectiveDiffusivity as EffectiveDiffusivity,
    effective_diffusivity as effective_diffusivity,
)
from .measurement.feret import feret_diameters as feret_diameters
from .measurement.fractions import volume_fractions as volume_fractions
from .measurement.labelling import (
    label_objects as label_objects,
    separate_objects as separate_objects,
)
from .measurement.neighbors import (
    nearest_neighbors as nearest_neighbors,
    nearest_summary as nearest_summary,
)
from .measurement.networks import (
    geodesic_tortuosity as geodesic_tortuosity,
    phase_networks as phase_networks,
)
from .measurement.objects import measure_objects as measure_objects
from .measurement.profiles import (
    radial_profile as radial_profile,
    slice_fractions as slice_fractions,
)
from .measurement.sizes import SizeSummary as SizeSummary, size_summary as size_summary
from .measurement.surface_mesh import SurfaceMesh as SurfaceMesh, surface_mesh as surface_mesh
from .measurement.thickness import (
    chord_lengths as chord_lengths,
    local_thickness as local_thickness,
)
from .oblique import ObliqueSlice as ObliqueSlice, oblique_slice as oblique_slice
from .phantom import (
    Misalignment as Misalignment,
    Phantom as Phantom,
    Probe as Probe,
    Recording as Recording,
    Swelling as Swelling,
    make_phantom as make_phantom,
    make_random_phantom as make_random_phantom,
    make_swelling_fibre as make_swelling_fibre,
    simulate_measured_series as simulate_measured_series,
    simulate_tilt_series as simulate_tilt_series,
)
from .segmentation.calibration import (
    GrayCalibration as GrayCalibration,
    calibrate_gray as calibrate_gray,
)
from .segmentation.cleanup import (
    CleanupOptions as CleanupOptions,
    CleanupStep as CleanupStep,
    clean_up as clean_up,
)
from .segmentation.envelope import (
    Envelope as Envelope,
    EnvelopeOptions as EnvelopeOptions,
    make_envelope as make_envelope,
    occlusion_field as occlusion_field,
)
from .segmentation.histogram import Histogram as Histogram, gray_histogram as gray_histogram
from .segmentation.occlusion import (
    ambient_occlusion as ambient_occlusion,
    fibre_envelope as fibre_envelope,
)
from .segmentation.phases import PhaseScheme as PhaseScheme, segment as segment
from .segmentation.segment_volume import (
    SegmentedVolume as SegmentedVolume,
    segment_volume as segment_volume,
)
from .segmentation.projection_residual import projection_residual as projection_residual
from .segmentation.residual_map import ResidualMap as ResidualMap
from .segmentation.sensitivity import threshold_sensitivity as threshold_sensitivity
from .segmentation.smoothing import smooth_volume as smooth_volume
from .segmentation.thresholds import (
    Suggestion as Suggestion,
    suggest_thresholds as suggest_thresholds,
)
from .study.run_errors import RunErrors as RunErrors
from .study.estimate_errors import estimate_errors as estimate_errors
from .study.measurement_files import write_measurement as write_measurement
from .study.measuring import (
    MeasuredObjects as MeasuredObjects,
    Measurement as Measurement,
    ObjectSource as ObjectSource,
    measure_labels as measure_labels,
    measure_phases as measure_phases,
)
from .study.pipeline import StudyResult as StudyResult, run_study as run_study
from .study.recipe import (
    MeasureSection as MeasureSection,
    Recipe as Recipe,
    UncertaintySection as UncertaintySection,
)
from .study.saved_recipe import SavedRecipe as SavedRecipe, saved_recipe as saved_recipe
from .study.states.batch import (
    BatchOutcome as BatchOutcome,
    batch_files as batch_files,
    batch_recipes as batch_recipes,
    run_batch as run_batch,
)
from .study.states.comparing import StudyOutcome as StudyOutcome, compare_study as compare_study
from .study.states.state_result import read_state_result as read_state_result
from .study.states.study_recipe import (
    Study as Study,
    read_study as read_study,
    study_of_runs as study_of_runs,
)
from .subvolume import (
    NamedBox as NamedBox,
    center_and_edge_boxes as center_and_edge_boxes,
    extract_subvolume as extract_subvolume,
)
from .tomography.alignment import Alignment as Alignment, align as align
from .tomography.bad_pixels import repair_pixels as repair_pixels
from .tomography.even_odd import EvenOdd as EvenOdd, even_odd_correlation as even_odd_correlation
from .tomography.discrete.blur_search import BlurEstimate as BlurEstimate
from .tomography.discrete.blur_search import find_blur as find_blur
from .tomography.discrete.polish import polish_phases as polish_phases
from .tomography.noise import (
    NoiseLevel as NoiseLevel,
    NoiseModel as NoiseModel,
    noise_level as noise_level,
    noise_model as noise_model,
)
from .tomography.options import Cgls as Cgls, Dart as Dart, Sirt as Sirt, Tv as Tv, Wbp as Wbp
from .tomography.contrast import invert_contrast as invert_contrast
from .tomography.preparation import (
    bin_series as bin_series,
    crop_series as crop_series,
    normalize_mass as normalize_mass,
    subtract_background as subtract_background,
)
from .tomography.projector import project as project
from .tomography.quality import Quality as Quality, assess as assess
from .tomography.reconstruction import reconstruct as reconstruct
from .tomography.shell_correlation import (
    ShellCorrelation as ShellCorrelation,
    fourier_shell_correlation as fourier_shell_correlation,
)
from .tomography.slice_preview import SlicePreview as SlicePreview
from .tomography.tilt_inspection import (
    inspect_tilts as inspect_tilts,
    leave_out_tilts as leave_out_tilts,
)
from .tomography.tilt_series import TiltSeries as TiltSeries
from .uncertainty.detection_limit import detection_limit as detection_limit
from .uncertainty.detection_options import DetectionOptions as DetectionOptions
from .uncertainty.recall_limit import RecallLimit as RecallLimit, recall_limit as recall_limit
from .uncertainty.digital_twin import digital_twin as digital_twin
from .uncertainty.threshold_ensemble import (
    Choices as Choices,
    threshold_ensemble as threshold_ensemble,
)
from .volume import Volume as Volume

__version__: str
