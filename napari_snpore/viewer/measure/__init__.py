"""The Measure form: objects, fractions, dead pores."""
