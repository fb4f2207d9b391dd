"""The teaching code of the chapter, one script per section, and the engine that runs and shows it."""
