"""The roof: recipe, plan, run, status, report, export, command line."""
