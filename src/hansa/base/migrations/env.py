"""What Alembic runs for every upgrade: on the connection and transaction that `upgrade` gives it."""

from alembic import context

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    version_table=attributes["version_table"],
    transactional_ddl=True,  # true of both engines, SQLite too since we begin its transactions ourselves
)
context.run_migrations()
