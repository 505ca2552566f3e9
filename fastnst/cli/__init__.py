"""The commands, one file each: parse the options, call the package, print the results."""
