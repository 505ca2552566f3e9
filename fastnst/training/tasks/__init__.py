"""The tasks that can be trained, one file per task: `style_transfer`.

Style transfer also has `session`, which builds a run of it from a configuration, `inputs`, which
opens the files that a configuration names, `resumption`, which compares a configuration with that
of the begun run, `learning`, which adds a style to a trained model, and `earlier_releases`.
"""
