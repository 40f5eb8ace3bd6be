"""Documents, their passages and their events."""

import sqlalchemy as sa
from alembic import op
from pgvector.sqlalchemy import VECTOR

revision = "0001"
down_revision = None

SCHEMA = "lesson15"  # written out: what a migration did must not change with the model


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS vector")
    op.create_table(
        "documents",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("stage", sa.String(20), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("progress", sa.Integer, nullable=False),
        sa.Column("task_id", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("sent", sa.Integer, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("pages", sa.Integer),
        sa.Column("chunks", sa.Integer),
        sa.Column("embedded", sa.Integer, nullable=False),
        sa.Column("embedder", sa.Text),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("id", name="pk_documents"),
        sa.UniqueConstraint("sha256", name="uq_documents_sha256"),
        schema=SCHEMA,
    )
    due = sa.text("due_at IS NOT NULL")
    op.create_index("ix_documents_due_at", "documents", ["due_at"], schema=SCHEMA, postgresql_where=due)
    op.create_table(
        "chunks",
        sa.Column("document_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("page", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("embedding", VECTOR),
        sa.PrimaryKeyConstraint("document_id", "number", name="pk_chunks"),
        sa.ForeignKeyConstraint(
            ["document_id"], [f"{SCHEMA}.documents.id"], name="fk_chunks_document_id", ondelete="CASCADE"
        ),
        schema=SCHEMA,
    )
    # A vector of 1024 dimensions takes 4 kB, and would be kept apart from its row, where each look at it costs more.
    op.execute(f"ALTER TABLE {SCHEMA}.chunks SET (toast_tuple_target = 8160)")
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("document_id", sa.Integer, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        schema=SCHEMA,
    )
    op.create_index("ix_events_document_id_id", "events", ["document_id", "id"], schema=SCHEMA)
    # A sequence alone numbers in the order of asking: number 8 could be committed, and read, before number 7. So one
    # transaction at a time takes a number, and the next one has to wait until that is committed.
    op.execute(f"CREATE SEQUENCE {SCHEMA}.event_number")
    op.execute(f"""
        CREATE FUNCTION {SCHEMA}.announce() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock(1516);
            NEW.id := nextval('{SCHEMA}.event_number');
            PERFORM pg_notify('{SCHEMA}_events', NEW.id || ' ' || NEW.document_id || ' ' || NEW.data);
            RETURN NEW;
        END $$
    """)
    op.execute(f"""
        CREATE TRIGGER announce BEFORE INSERT ON {SCHEMA}.events
        FOR EACH ROW EXECUTE FUNCTION {SCHEMA}.announce()
    """)


def downgrade() -> None:
    op.drop_table("events", schema=SCHEMA)
    op.execute(f"DROP FUNCTION {SCHEMA}.announce()")
    op.execute(f"DROP SEQUENCE {SCHEMA}.event_number")
    op.drop_table("chunks", schema=SCHEMA)
    op.drop_table("documents", schema=SCHEMA)
