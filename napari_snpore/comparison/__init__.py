"""States side by side: numbers with intervals, differences, distributions of sizes, and what makes
a comparison doubtful.

A state has one fibre or more, and the fibre is the replicate: objects of one fibre are not
independent samples of the state. Everything here takes tables and returns tables; files are read in
``study/`` and figures drawn in ``figures/``.
"""
