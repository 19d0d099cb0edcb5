"""The threshold rule of one volume, applied to the volumes of the other specimens."""
