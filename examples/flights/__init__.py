"""A real pipeline on real data: the flights that left New York in 2013."""
