"""Steps of a run on a recipe: reconstruct, segment, measure, report, with their provenance."""
