"""Where movies come from: the 3D scene on a turntable, a tilt series; and filming while the window stays alive."""
