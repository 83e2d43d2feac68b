"""Jobs over ops and over assets, their config, tags, executors and loggers."""
