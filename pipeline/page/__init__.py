"""The report: what a page reads, its sentences, tables and figures, and the page itself."""
