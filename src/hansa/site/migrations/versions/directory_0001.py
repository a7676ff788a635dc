"""Domains, projects, users, groups, roles and assignments; the default domain."""

import sqlalchemy as sa
from alembic import op

revision = "directory_0001"
down_revision = None
branch_labels = ("directory",)
depends_on = None


def upgrade() -> None:
    _containers()
    _people()
    _roles()
    state = op.create_table(
        "directory_state",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(state, [{"id": 1, "version": 1}])


def _containers() -> None:
    projects = op.create_table(
        "directory_project",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("key", sa.String(255), nullable=False, unique=True),
        sa.Column("domain_id", sa.String(64), nullable=False),
        sa.Column("parent_id", sa.String(64)),
        sa.Column("is_domain", sa.Boolean, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("extra", sa.JSON, nullable=False),
        sa.UniqueConstraint("domain_id", "name"),
    )
    op.create_index("directory_project_parent", "directory_project", ["parent_id"])
    op.create_table("directory_used_key", sa.Column("key", sa.String(255), primary_key=True))
    default = {"id": "default", "name": "Default", "key": "domain:default", "domain_id": "", "parent_id": None}
    rest = {"is_domain": True, "description": "", "enabled": True, "tags": [], "options": {}, "extra": {}}
    op.bulk_insert(projects, [default | rest])


def _people() -> None:
    op.create_table(
        "directory_user",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("unique_name", sa.String(255)),
        sa.Column("domain_id", sa.String(64), nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("default_project_id", sa.String(64)),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("extra", sa.JSON, nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("principal", sa.Text),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("domain_id", "unique_name"),
    )
    op.create_table(
        "directory_password",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("is_current", sa.Boolean, nullable=False),
        sa.Column("by_user", sa.Boolean, nullable=False),
    )
    op.create_index("directory_password_user", "directory_password", ["user_id"])
    op.create_table(
        "directory_group",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("domain_id", sa.String(64), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("extra", sa.JSON, nullable=False),
        sa.UniqueConstraint("domain_id", "name"),
    )
    op.create_table(
        "directory_member",
        sa.Column("user_id", sa.String(64), primary_key=True),
        sa.Column("group_id", sa.String(64), primary_key=True),
    )
    op.create_index("directory_member_group", "directory_member", ["group_id"])


def _roles() -> None:
    op.create_table(
        "directory_role",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("domain_id", sa.String(64), nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("extra", sa.JSON, nullable=False),
        sa.UniqueConstraint("domain_id", "name"),
    )
    op.create_table(
        "directory_implied_role",
        sa.Column("prior_id", sa.String(64), primary_key=True),
        sa.Column("implied_id", sa.String(64), primary_key=True),
    )
    op.create_table(
        "directory_assignment",
        sa.Column("actor_kind", sa.String(16), primary_key=True),
        sa.Column("actor_id", sa.String(64), primary_key=True),
        sa.Column("target_kind", sa.String(16), primary_key=True),
        sa.Column("target_id", sa.String(64), primary_key=True),
        sa.Column("role_id", sa.String(64), primary_key=True),
        sa.Column("is_inherited", sa.Boolean, primary_key=True),
    )
    op.create_index("directory_assignment_target", "directory_assignment", ["target_kind", "target_id"])
    op.create_index("directory_assignment_role", "directory_assignment", ["role_id"])
