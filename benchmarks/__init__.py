"""One command per claim; results/ holds what they printed, dated, with machine, versions and commit."""
