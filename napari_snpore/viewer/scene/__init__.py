"""What a 3D scene is made of: surfaces of phases, ready to be drawn."""
