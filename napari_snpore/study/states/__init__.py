"""Studies: fibres of several states through the steps of a run, and what the states say beside each other."""
