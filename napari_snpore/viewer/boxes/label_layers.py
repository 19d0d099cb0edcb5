"""Names and colors of the phases of a labels layer, also of one that another program made."""

from __future__ import annotations

from napari.layers import Layer

from napari_snpore.errors import InputError
from napari_snpore.segmentation.phases import MOST_PHASES, PhaseScheme
from napari_snpore.viewer.shared.layers import label_range, record_of, scheme_of


def phase_scheme(layer: Layer) -> PhaseScheme:
    """Return the phase scheme of a labels layer; without a record all labels are read, so call it
    in a worker.

    Raises
    ------
    InputError
        Labels of unknown origin that are negative or too many to be phases.
    """
    if "phase_names" not in record_of(layer):
        least, most = label_range(layer)
        if least < 0 or most > MOST_PHASES:
            raise InputError(
                f"The layer '{layer.name}' has labels from {least} to {most}; phases are numbered 1 to {MOST_PHASES} at most, "
                "with 0 outside."
            )
    return scheme_of(layer)
