"""``python -m napari_snpore`` is ``snpore``."""

from napari_snpore.cli import main

if __name__ == "__main__":
    main()
