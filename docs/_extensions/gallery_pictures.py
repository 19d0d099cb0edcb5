"""Pictures of the gallery: the figures that an example holds, at the size at which they are printed."""

from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst

DPI = 160


def figures_of_the_example(block, block_vars, gallery_conf):
    """Save what figures a block has made; those of napari_snpore.figures are unknown to pyplot."""
    paths = []
    for figure in list(block_vars["example_globals"].values()):
        if not isinstance(figure, Figure) or getattr(figure, "in_gallery", False):
            continue
        figure.in_gallery = True
        path = next(block_vars["image_path_iterator"])
        figure.savefig(path, dpi=DPI)
        paths.append(path)
    plt.close("all")
    return figure_rst(paths, gallery_conf["src_dir"])
