"""Places and motions: dust, branches, distances, actions, quantiles and maps of the disc."""
