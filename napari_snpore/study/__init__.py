"""From a recipe to one output folder: all steps in order, with their provenance. The one backend room that runs steps."""

from napari_snpore.study.pipeline import StudyResult, run_study
from napari_snpore.study.recipe import Recipe, read_recipe

__all__ = ["Recipe", "StudyResult", "read_recipe", "run_study"]
