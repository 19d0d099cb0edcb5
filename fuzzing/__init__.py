"""Damaged input on purpose: every file opens or is refused in one sentence, soon and in little memory.

``make fuzz``, or ``python -m fuzzing --seconds 600``, damages small files of every kind that the
program reads, gives each to its reader in a process of its own limits, and counts what came of it.
The same seed makes the same inputs, so that ``python -m fuzzing --only 1234`` repeats one.
"""
