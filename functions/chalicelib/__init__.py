"""Everything that runs in Lambda: one package a service, `shared` below them, `bootstrap` beside them."""
