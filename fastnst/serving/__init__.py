"""An HTTP service that stylizes photos, for `fastnst serve`."""
