"""From a recipe to one output folder: all steps in order, with their provenance. The one backend room that runs steps."""
