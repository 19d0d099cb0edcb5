"""Values of the page *snpore* in napari's Preferences, as the manifest declares them.

napari keeps them in a file beside its own settings. They are read when they are needed, so that a
change holds from the next step on. Commands and Python never read them: there the same values are
arguments.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from napari_snpore.memory import use_at_most
from napari_snpore.segmentation.phases import PORE_C_SN, PhaseScheme, default_scheme
from napari_snpore.threads import use_threads

PLUGIN = "napari-snpore"

_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_READING = Lock()


@dataclass(frozen=True)
class Preferences:
    """What the user prefers.

    Attributes
    ----------
    threads : int
        Threads of a step; 0: as many as there are processors.
    memory_limit_mb : int
        Most memory of a step (MB); 0: 80 % of what is free.
    default_folder : str
        Where file dialogs start while no data with a folder are open; empty: the last folder.
    pore_color, carbon_color, tin_color : str
        Colours of new phases, ``#rrggbb``.
    figure_font_pt : float
        Size of type in new figures (pt).
    """

    threads: int = 0
    memory_limit_mb: int = 0
    default_folder: str = ""
    pore_color: str = PORE_C_SN.colors[0]
    carbon_color: str = PORE_C_SN.colors[1]
    tin_color: str = PORE_C_SN.colors[2]
    figure_font_pt: float = 7.0

    @property
    def folder(self) -> Path | None:
        """The default folder; None where none is set or it is not there."""
        path = Path(self.default_folder).expanduser() if self.default_folder.strip() else None
        return path if path is not None and path.is_dir() else None

    def scheme(self, count: int) -> PhaseScheme:
        """Return names and colours of ``count`` phases that were not named by the user.

        A colour that is no ``#rrggbb`` counts as the built-in one. The second of two phases is
        solid matter in the colour of carbon; from the fourth on colours are the built-in ones.
        """
        scheme = default_scheme(count)
        preferred = (self.pore_color, self.carbon_color, self.tin_color)
        colors = tuple(
            color if _HEX.fullmatch(color) else built_in
            for color, built_in in zip(preferred, scheme.colors, strict=False)
        )
        return PhaseScheme(scheme.names, colors + scheme.colors[len(colors) :])


def preferences() -> Preferences:
    """Return the present preferences; the defaults where napari does not know the plugin."""
    kept = _kept_by_napari()
    if kept is None:
        return Preferences()
    return Preferences(
        threads=kept.work.threads,
        memory_limit_mb=kept.work.memory_limit_mb,
        default_folder=kept.work.default_folder,
        pore_color=kept.look.pore_color.strip(),
        carbon_color=kept.look.carbon_color.strip(),
        tin_color=kept.look.tin_color.strip(),
        figure_font_pt=kept.look.figure_font_pt,
    )


def use_limits() -> None:
    """Let steps of this process use as many threads and as much memory as is preferred."""
    chosen = preferences()
    use_threads(chosen.threads or None)
    use_at_most(chosen.memory_limit_mb * 1_000_000 or None)


def _kept_by_napari() -> Any:
    """Return the settings of the plugin, or None outside a napari that has found it.

    Without the first look into the plugin manager napari would search all installed packages again
    and again.
    """
    from napari.settings import get_plugin_settings
    from npe2 import PluginManager

    try:
        with _READING:  # the first time they are read from files, also by a thread ahead
            PluginManager.instance().get_manifest(PLUGIN)
            kept = get_plugin_settings(PLUGIN)
    except KeyError:
        return None
    return kept if hasattr(kept, "work") and hasattr(kept, "look") else None
