//! Nothing: the stories are this package's tests.
