"""The section ``[checks]`` of a recipe: what is known of the specimen from other methods."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

from napari_snpore.measurement.cross_checks import (
    CARBON_DENSITY_G_CM3,
    GROWTH_LIMIT_PERCENT,
    TIN_DENSITY_G_CM3,
)


class ChecksSection(BaseModel):
    """Numbers of other methods that a run is compared with; without one nothing is checked.

    ``sn_mass_percent``: Sn of the mass of the specimen. Densities of solid Sn and of carbon without
    its pores. ``bet_m2_per_g``: area by gas adsorption. ``growth_percent``: of the diameter in situ,
    compared with ``growth_limit_percent``, the most that the volume of Sn can grow by.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sn_mass_percent: Annotated[float, Field(gt=0, lt=100)] | None = None
    sn_density_g_cm3: PositiveFloat = TIN_DENSITY_G_CM3
    carbon_density_g_cm3: PositiveFloat = CARBON_DENSITY_G_CM3
    bet_m2_per_g: PositiveFloat | None = None
    growth_percent: Annotated[float, Field(gt=-100, le=1000)] | None = None
    growth_limit_percent: PositiveFloat = GROWTH_LIMIT_PERCENT

    @property
    def asks(self) -> bool:
        """Whether anything is to be checked."""
        given = (self.sn_mass_percent, self.bet_m2_per_g, self.growth_percent)
        return any(value is not None for value in given)
