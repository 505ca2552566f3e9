"""The tasks that can be trained, one file per task: `style_transfer`.

`session` builds a run of any task from a configuration, by the task's `plan`: `style_plan`. The
other modules serve style transfer: `inputs` opens the files that a configuration names, `contents`
and `resumption` compare a configuration and its files with those of the run to resume, `start`
finds the weights to start from, `learning` adds a style to a trained model, and `earlier_releases`
restores old checkpoints.
"""
