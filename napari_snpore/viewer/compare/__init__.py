"""The Compare form: states of charge side by side, with intervals."""
