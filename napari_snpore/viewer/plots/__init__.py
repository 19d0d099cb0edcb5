"""vispy plots that live inside widgets."""
