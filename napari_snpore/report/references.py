"""Works that methods paragraphs cite, with their DOI, and BibTeX of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from napari_snpore.report.latex import latex_text


@dataclass(frozen=True)
class Reference:
    """One work.

    Parameters
    ----------
    key : str
        Of its BibTeX entry.
    authors : tuple of str
        Family name, given names; a last ``others`` stands for the rest.
    title, where : str
        Of the work; of the journal or the proceedings.
    year : int
    doi : str
    volume, pages : str
    kind : str
        Kind of the BibTeX entry.
    """

    key: str
    authors: tuple[str, ...]
    title: str
    where: str
    year: int
    doi: str = ""
    volume: str = ""
    pages: str = ""
    kind: str = "article"

    @property
    def text(self) -> str:
        """The work as a list of references has it, without its DOI."""
        names = [name.partition(",")[0] for name in self.authors if name != "others"]
        who = " et al." if len(names) > 3 or "others" in self.authors else ""
        shown = names[:1] if who else names
        by = " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
        place = ", ".join(
            part for part in (f"{self.where} {self.volume}".strip(), self.pages) if part
        )
        return f"{by}{who}: {self.title}.{f' {place}' if place else ''} ({self.year})."

    @property
    def bibtex(self) -> str:
        """Its BibTeX entry."""
        place = {"inproceedings": "booktitle", "software": "organization"}.get(self.kind, "journal")
        entries = {
            "author": " and ".join(_braced(name) for name in self.authors),
            "title": f"{{{self.title}}}",
            place: self.where,
            "volume": self.volume,
            "pages": self.pages.replace("–", "--"),
            "year": str(self.year),
        }
        lines = [f"  {name} = {{{latex_text(value)}}}," for name, value in entries.items() if value]
        lines += [f"  doi = {{{self.doi}}},"] if self.doi else []
        return f"@{self.kind}{{{self.key},\n" + "\n".join(lines) + "\n}\n"


def _braced(name: str) -> str:
    """Return an author as BibTeX needs it: braces keep a name of several words that is no person."""
    return name if "," in name or name == "others" else f"{{{name}}}"


_WORKS = (
    Reference(
        "rudin1992", ("Rudin, Leonid I.", "Osher, Stanley", "Fatemi, Emad"),
        "Nonlinear total variation based noise removal algorithms", "Physica D", 1992,
        "10.1016/0167-2789(92)90242-F", "60", "259–268",
    ),
    Reference(
        "chambolle2011", ("Chambolle, Antonin", "Pock, Thomas"),
        "A first-order primal-dual algorithm for convex problems with applications to imaging",
        "Journal of Mathematical Imaging and Vision", 2011, "10.1007/s10851-010-0251-1", "40",
        "120–145",
    ),
    Reference(
        "candes2008", ("Candès, Emmanuel J.", "Wakin, Michael B.", "Boyd, Stephen P."),
        "Enhancing sparsity by reweighted ℓ1 minimization",
        "Journal of Fourier Analysis and Applications", 2008, "10.1007/s00041-008-9045-x", "14",
        "877–905",
    ),
    Reference(
        "gilbert1972", ("Gilbert, Peter",),
        "Iterative methods for the three-dimensional reconstruction of an object from projections",
        "Journal of Theoretical Biology", 1972, "10.1016/0022-5193(72)90180-4", "36", "105–117",
    ),
    Reference(
        "hestenes1952", ("Hestenes, Magnus R.", "Stiefel, Eduard"),
        "Methods of conjugate gradients for solving linear systems",
        "Journal of Research of the National Bureau of Standards", 1952, "10.6028/jres.049.044",
        "49", "409–436",
    ),
    Reference(
        "batenburg2011", ("Batenburg, Kees Joost", "Sijbers, Jan"),
        "DART: a practical reconstruction algorithm for discrete tomography",
        "IEEE Transactions on Image Processing", 2011, "10.1109/TIP.2011.2131661", "20",
        "2542–2553",
    ),
    Reference(
        "radermacher1988", ("Radermacher, Michael",),
        "Three-dimensional reconstruction of single particles from random and nonrandom tilt series",
        "Journal of Electron Microscopy Technique", 1988, "10.1002/jemt.1060090405", "9",
        "359–394",
    ),
    Reference(
        "crowther1970", ("Crowther, R. A.", "DeRosier, D. J.", "Klug, A."),
        "The reconstruction of a three-dimensional structure from projections and its application "
        "to electron microscopy",
        "Proceedings of the Royal Society A", 1970, "10.1098/rspa.1970.0119", "317", "319–340",
    ),
    Reference(
        "vanheel2005", ("van Heel, Marin", "Schatz, Michael"),
        "Fourier shell correlation threshold criteria", "Journal of Structural Biology", 2005,
        "10.1016/j.jsb.2005.05.009", "151", "250–262",
    ),
    Reference(
        "batenburg2008", ("Batenburg, Kees Joost", "Sijbers, Jan"),
        "Selection of local thresholds for tomogram segmentation by projection distance "
        "minimization",
        "Discrete Geometry for Computer Imagery, Lecture Notes in Computer Science", 2008,
        "10.1007/978-3-540-79126-3_34", "4992", kind="inproceedings",
    ),
    Reference(
        "otsu1979", ("Otsu, Nobuyuki",),
        "A threshold selection method from gray-level histograms",
        "IEEE Transactions on Systems, Man, and Cybernetics", 1979, "10.1109/TSMC.1979.4310076",
        "9", "62–66",
    ),
    Reference(
        "prewitt1966", ("Prewitt, Judith M. S.", "Mendelsohn, Mortimer L."),
        "The analysis of cell images", "Annals of the New York Academy of Sciences", 1966,
        "10.1111/j.1749-6632.1965.tb11715.x", "128", "1035–1053",
    ),
    Reference(
        "kittler1986", ("Kittler, Josef", "Illingworth, John"), "Minimum error thresholding",
        "Pattern Recognition", 1986, "10.1016/0031-3203(86)90030-0", "19", "41–47",
    ),
    Reference(
        "li1993", ("Li, Chun Hung", "Lee, C. K."), "Minimum cross entropy thresholding",
        "Pattern Recognition", 1993, "10.1016/0031-3203(93)90115-D", "26", "617–625",
    ),
    Reference(
        "besag1986", ("Besag, Julian",), "On the statistical analysis of dirty pictures",
        "Journal of the Royal Statistical Society B", 1986,
        "10.1111/j.2517-6161.1986.tb01412.x", "48", "259–279",
    ),
    Reference(
        "buades2011", ("Buades, Antoni", "Coll, Bartomeu", "Morel, Jean-Michel"),
        "Non-local means denoising", "Image Processing On Line", 2011,
        "10.5201/ipol.2011.bcm_nlm", "1", "208–212",
    ),
    Reference(
        "chambolle2004", ("Chambolle, Antonin",),
        "An algorithm for total variation minimization and applications",
        "Journal of Mathematical Imaging and Vision", 2004,
        "10.1023/B:JMIV.0000011325.36760.1e", "20", "89–97",
    ),
    Reference(
        "houle1988", ("Houle, Michael E.", "Toussaint, Godfried T."),
        "Computing the width of a set",
        "IEEE Transactions on Pattern Analysis and Machine Intelligence", 1988,
        "10.1109/34.6790", "10", "761–765",
    ),
    Reference(
        "hildebrand1997", ("Hildebrand, Tor", "Rüegsegger, Peter"),
        "A new method for the model-independent assessment of thickness in three-dimensional images",
        "Journal of Microscopy", 1997, "10.1046/j.1365-2818.1997.1340694.x", "185", "67–75",
    ),
    Reference(
        "ma2024", ("Ma, Haoqing", "Yu, Ruohan", "Xu, Wangwang", "others"),
        "Dynamic behavior of spatially confined Sn clusters and its application in highly efficient "
        "sodium storage with high initial Coulombic efficiency",
        "Advanced Materials", 2024, "10.1002/adma.202307151",
    ),
    Reference(
        "harris2020", ("Harris, Charles R.", "Millman, K. Jarrod", "others"),
        "Array programming with NumPy", "Nature", 2020, "10.1038/s41586-020-2649-2", "585",
        "357–362",
    ),
    Reference(
        "virtanen2020", ("Virtanen, Pauli", "Gommers, Ralf", "others"),
        "SciPy 1.0: fundamental algorithms for scientific computing in Python", "Nature Methods",
        2020, "10.1038/s41592-019-0686-2", "17", "261–272",
    ),
    Reference(
        "vanderwalt2014", ("van der Walt, Stéfan", "Schönberger, Johannes L.", "others"),
        "scikit-image: image processing in Python", "PeerJ", 2014, "10.7717/peerj.453", "2",
        "e453",
    ),
    Reference(
        "vanaarle2016", ("van Aarle, Wim", "Palenstijn, Willem Jan", "others"),
        "Fast and flexible X-ray tomography using the ASTRA toolbox", "Optics Express", 2016,
        "10.1364/OE.24.025129", "24", "25129–25147",
    ),
)  # fmt: skip

WORKS = {work.key: work for work in _WORKS}
"""All works that a report can cite, by key."""


_MARK = re.compile(r" \[(\d+(?:, \d+)*)\]")


class Citations:
    """Numbers of the works that a text cites, in the order of their first citation.

    Examples
    --------
    >>> cited = Citations()
    >>> cited("otsu1979"), cited("crowther1970", "otsu1979"), [one.key for one in cited.works]
    ('[1]', '[2, 1]', ['otsu1979', 'crowther1970'])
    """

    def __init__(self, extra: Iterable[Reference] = ()) -> None:
        self._known = {**WORKS, **{one.key: one for one in extra}}
        self._keys: list[str] = []

    def __call__(self, *keys: str) -> str:
        """Return the mark of a citation, such as ``[2, 5]``."""
        for key in keys:
            if key not in self._keys:
                self._keys.append(key)
        return f"[{', '.join(str(self._keys.index(key) + 1) for key in keys)}]"

    @property
    def works(self) -> tuple[Reference, ...]:
        """The works that were cited, in order."""
        return tuple(self._known[key] for key in self._keys)

    def in_latex(self, text: str) -> str:
        """Return a text as LaTeX, with BibTeX keys in place of the numbers of citations."""
        pieces = _MARK.split(text)  # text, numbers, text, numbers, ..., text
        found = [latex_text(pieces[0])]
        for numbers, words in zip(pieces[1::2], pieces[2::2], strict=True):
            keys = ",".join(self._keys[int(number) - 1] for number in numbers.split(", "))
            found += [f"~\\cite{{{keys}}}", latex_text(words)]
        return "".join(found)


def bibliography(works: Sequence[Reference]) -> str:
    """Return the BibTeX file of works."""
    return "\n".join(work.bibtex for work in works)


def own_reference(version: str, year: int) -> Reference:
    """Return the reference to this program, in the version that made a result."""
    return Reference(
        "napari_snpore", ("napari-snpore developers",), f"napari-snpore, version {version}",
        "", year, kind="software",
    )  # fmt: skip
