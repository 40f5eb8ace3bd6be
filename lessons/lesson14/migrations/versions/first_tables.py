"""Jobs, their steps and their events."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

SCHEMA = "lesson14"  # written out: what a migration did must not change with the model


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("task_id", sa.String, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("idempotency_key", sa.String),
        sa.Column("last_event", sa.Integer, nullable=False, server_default="0"),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("leased_until", sa.DateTime(timezone=True)),
        sa.Column("sent", sa.Integer, nullable=False, server_default="0"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.UniqueConstraint("task_id", name="uq_jobs_task_id"),
        sa.UniqueConstraint("idempotency_key", name="uq_jobs_idempotency_key"),
        schema=SCHEMA,
    )
    op.create_index("ix_jobs_status", "jobs", ["status"], schema=SCHEMA)
    op.create_index("ix_jobs_due_at", "jobs", ["due_at"], schema=SCHEMA, postgresql_where=sa.text("due_at IS NOT NULL"))
    op.create_table(
        "job_steps",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("job_id", sa.Integer, nullable=False),
        sa.Column("step_number", sa.Integer, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("message", sa.Text),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("completed_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_job_steps"),
        sa.ForeignKeyConstraint(["job_id"], [f"{SCHEMA}.jobs.id"], name="fk_job_steps_job_id", ondelete="CASCADE"),
        sa.UniqueConstraint("job_id", "step_number", name="uq_job_steps_job_id_step_number"),
        schema=SCHEMA,
    )
    op.create_index("ix_job_steps_job_id", "job_steps", ["job_id"], schema=SCHEMA)
    op.create_table(
        "job_events",
        sa.Column("job_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("job_id", "number", name="pk_job_events"),
        sa.ForeignKeyConstraint(["job_id"], [f"{SCHEMA}.jobs.id"], name="fk_job_events_job_id", ondelete="CASCADE"),
        schema=SCHEMA,
    )
    # Whoever writes an event can't forget to announce it. Listeners hear of it at COMMIT, or never.
    op.execute(f"""
        CREATE FUNCTION {SCHEMA}.announce() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_notify('{SCHEMA}_events', NEW.job_id || ' ' || NEW.number || ' ' || NEW.data);
            RETURN NULL;
        END $$
    """)
    op.execute(f"""
        CREATE TRIGGER announce AFTER INSERT ON {SCHEMA}.job_events
        FOR EACH ROW EXECUTE FUNCTION {SCHEMA}.announce()
    """)


def downgrade() -> None:
    op.drop_table("job_events", schema=SCHEMA)
    op.execute(f"DROP FUNCTION {SCHEMA}.announce()")
    op.drop_table("job_steps", schema=SCHEMA)
    op.drop_table("jobs", schema=SCHEMA)
