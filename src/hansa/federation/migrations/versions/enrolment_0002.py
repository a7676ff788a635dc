"""A VO's applications in their order, whatever their state."""

from alembic import op

revision = "enrolment_0002"
down_revision = "enrolment_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("enrolment_application_vo", "enrolment_application", ["vo", "id"])
