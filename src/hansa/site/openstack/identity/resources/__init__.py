"""What is below `/v3`, a module for each kind of thing, each with `routes(desk) -> list[Route]`; `http.py` collects them."""
