"""The Workbench: states of the steps on a specimen, judged from the layers of a window."""
