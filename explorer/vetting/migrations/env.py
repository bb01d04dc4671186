"""Runs the migrations on the connection that :mod:`explorer.vetting.store` hands over, in its transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=False)
context.run_migrations()
