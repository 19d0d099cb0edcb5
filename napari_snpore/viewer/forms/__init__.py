"""The parts that every form has: input, settings, result, main button, status; and small plots."""
