"""Results → what people read. Pure: a report knows results and the catalogue, nothing of how they came about."""
