"""What the detail tables say, as lines of the summary: shells, contacts, networks, and volume against mass."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from napari_snpore.study.recipe import MeasureSection


def detail_lines(
    details: Mapping[str, pd.DataFrame], fractions: pd.DataFrame, names: tuple[str, ...], section: MeasureSection
) -> list[str]:
    """Return a line or two for each table; empty where there is none."""
    lines = []
    if "shells" in details:
        lines += _shell_lines(details["shells"], names)
    for name, table in details.items():
        if name.startswith("contacts_") and len(table):
            lines.append(_contact_line(name.removeprefix("contacts_"), table))
    if "networks" in details:
        lines += _network_lines(details["networks"])
    if "tortuosity" in details:
        row = details["tortuosity"].iloc[0]
        lines.append(
            f"Tortuosity      {row['tortuosity']:.3g} ± {row['tortuosity_sd']:.2g} (sd over {row['n']:.0f} surface voxels) of "
            f"{names[0]}, core to surface; {row['reached_percent']:.3g} % reached"
        )
    return lines + mass_lines(fractions, section)


def mass_lines(fractions: pd.DataFrame, section: MeasureSection) -> list[str]:
    """Compare volume times density with the mass shares that are known from elsewhere."""
    given = section.density_g_cm3
    if not given:
        return []
    whole = fractions[fractions["region"] == "whole"].set_index("name")["volume_nm3"]
    mass = {name: density * float(whole.get(name, 0.0)) for name, density in given.items()}
    total = sum(mass.values())
    if total == 0:
        return []
    shares = {name: 100 * part / total for name, part in mass.items()}
    known = section.mass_percent
    words = ", ".join(
        f"{name} {share:.1f} %" + (f" (given: {known[name]:.1f} %)" if name in known else "")
        for name, share in shares.items()
    )
    return [f"Mass            volume × density of {' and '.join(given)}: {words}"]


def _shell_lines(table: pd.DataFrame, names: tuple[str, ...]) -> list[str]:
    pore = f"{names[0]}_percent"
    whole = table[(table["sector"] == "all") & (table["voxel_count"] > 0)]
    outer, inner = whole.iloc[0], whole.iloc[-1]
    lines = [
        f"Shells          {names[0]} {outer[pore]:.1f} % down to {outer['depth_to_nm']:.3g} nm below the surface, "
        f"{inner[pore]:.1f} % deeper than {inner['depth_from_nm']:.3g} nm (% of the shell)"
    ]
    first = table[table["depth_from_nm"] == 0].set_index("sector")[pore]
    lines.append(
        f"                outermost shell: {first['facing the beam']:.1f} % facing the beam, {first['across the beam']:.1f} % "
        "across it (a difference marks the missing wedge)"
    )
    return lines


def _contact_line(name: str, table: pd.DataFrame) -> str:
    delta = table["delta_nm"].iloc[0]
    return (
        f"Contacts, {name:<6}faces towards pore {table['pore_face_percent'].mean():.1f} % (mean); encapsulated, no pore "
        f"within δ = {delta:.3g} nm: {100 * table['encapsulated'].mean():.1f} % of {len(table)}"
    )


def _network_lines(table: pd.DataFrame) -> list[str]:
    lines = []
    for name, rows in table.groupby("name", sort=False):
        row = rows.iloc[0]
        through = ", ".join(axis for axis in "zyx" if row[f"percolates_{axis}"]) or "no axis"
        lines.append(
            f"Network, {name!s:<7}{row['network_count']} apart at connectivity {row['connectivity']}, the largest holds "
            f"{row['largest_share_percent']:.1f} %; reaches through along {through}; "
            f"Euler number {str(row['euler_number']).replace('-', chr(0x2212))}"
        )
    return lines
