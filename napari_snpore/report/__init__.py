"""Reports of finished runs and studies: one self-contained HTML page, the same as PDF, and the
references as BibTeX.

What a report says is made once, as sections of blocks (:mod:`~napari_snpore.report.content`), from
the files of the folder alone; HTML and PDF are two printers of the same sections.
"""
