"""The tasks that can be trained, one file per task: `style_transfer`.

The other modules serve style transfer: `session` builds a run from a configuration, `inputs` opens
the files that a configuration names, `resumption` compares a configuration with that of the run to
resume, `learning` adds a style to a trained model, and `earlier_releases` restores old checkpoints.
"""
