"""
What a threshold costs
======================

How much do the fractions change when a threshold moves? Where the histogram has no gap, every number that follows depends on the
choice.
"""

import numpy as np
from matplotlib import pyplot as plt

import napari_snpore as snpore

phantom = snpore.make_phantom("pristine", shape=(128, 64, 128), spacing=0.2, seed=1)
envelope = snpore.Volume(phantom.envelope, phantom.spacing)
histogram = snpore.gray_histogram(phantom.volume, mask=envelope)

# %%
# The rules, one beside the other, on the inside of the true envelope. With tin twelve times as bright as carbon, rules that
# treat all phases alike put the first threshold far too high, and pores swallow the carbon.

true_percent = 100 * (phantom.phases == 1).sum() / phantom.envelope.sum()
rules = ("haadf", "multiotsu", "kmeans", "mixture", "minimum_error")
found = {rule: snpore.suggest_thresholds(histogram, method=rule).thresholds for rule in rules}
pores = {rule: 100 * histogram.fractions(values)[0] for rule, values in found.items()}
figure, axes = plt.subplots(figsize=(3.6, 2.3), layout="constrained")
axes.barh(list(pores), list(pores.values()), color="#9aa5b1")
axes.axvline(true_percent, color="#b03a2e", label="planted truth")
axes.set_xlabel("Pore fraction of the envelope (%)")
axes.legend(frameon=False, fontsize=7)
axes.invert_yaxis()

# %%
# What shifts of the chosen thresholds do to the fractions:

table = snpore.threshold_sensitivity(histogram, found["haadf"])
print(np.round(found["haadf"], 2))
table.round(2)
