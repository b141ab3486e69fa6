/** The tables as they were before messages had versions, as files of that time have them. */
export const FIRST_SCHEMA = `
  CREATE TABLE IF NOT EXISTS conversations (
    id TEXT NOT NULL PRIMARY KEY,
    ownerId TEXT NOT NULL,
    externalId TEXT,
    title TEXT,
    model TEXT,
    instructions TEXT,
    encoding TEXT NOT NULL,
    metadata TEXT,
    branches TEXT NOT NULL,
    activeBranch TEXT NOT NULL,
    branchEpoch INTEGER NOT NULL,
    heads TEXT NOT NULL,
    createdAt INTEGER NOT NULL,
    lastMessageAt INTEGER NOT NULL,
    archivedAt INTEGER,
    archived INTEGER NOT NULL GENERATED ALWAYS AS (archivedAt IS NOT NULL) VIRTUAL,
    expiresAt INTEGER,
    deletedAt INTEGER
  ) STRICT;
  CREATE INDEX IF NOT EXISTS conversationsByLastMessage
    ON conversations (ownerId, archived, lastMessageAt, id) WHERE deletedAt IS NULL;
  CREATE UNIQUE INDEX IF NOT EXISTS conversationsByExternalId
    ON conversations (ownerId, externalId) WHERE deletedAt IS NULL AND externalId IS NOT NULL;
  CREATE INDEX IF NOT EXISTS conversationsByDeletion ON conversations (deletedAt) WHERE deletedAt IS NOT NULL;

  CREATE TABLE IF NOT EXISTS messages (
    conversationId TEXT NOT NULL,
    branch TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    tokenStart INTEGER NOT NULL,
    role TEXT NOT NULL,
    status TEXT NOT NULL,
    content TEXT,
    parts TEXT,
    createdAt INTEGER NOT NULL,
    author TEXT,
    replyTo TEXT,
    metadata TEXT,
    clientMessageId TEXT,
    finishReason TEXT,
    usage TEXT,
    model TEXT
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS messagesBySequence ON messages (conversationId, branch, sequence);
  CREATE UNIQUE INDEX IF NOT EXISTS messagesByTokenStart ON messages (conversationId, branch, tokenStart);
  CREATE UNIQUE INDEX IF NOT EXISTS messagesByClientMessageId
    ON messages (conversationId, clientMessageId) WHERE clientMessageId IS NOT NULL;

  CREATE TABLE IF NOT EXISTS replies (
    id TEXT NOT NULL PRIMARY KEY,
    conversationId TEXT NOT NULL,
    ownerId TEXT NOT NULL,
    clientMessageId TEXT NOT NULL,
    phase TEXT NOT NULL,
    active INTEGER,
    stop TEXT,
    beat INTEGER NOT NULL,
    leaseUntil INTEGER NOT NULL,
    place INTEGER,
    model TEXT NOT NULL,
    questionId TEXT,
    messageId TEXT,
    startedAt INTEGER NOT NULL,
    endedAt INTEGER,
    context TEXT NOT NULL,
    outcome TEXT,
    usage TEXT,
    question TEXT NOT NULL,
    parts TEXT NOT NULL,
    text TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS repliesByActive ON replies (conversationId) WHERE active = 1;
  CREATE UNIQUE INDEX IF NOT EXISTS repliesByClientMessageId ON replies (conversationId, clientMessageId);
  CREATE UNIQUE INDEX IF NOT EXISTS repliesByPlace ON replies (conversationId, place) WHERE place IS NOT NULL;
  CREATE INDEX IF NOT EXISTS repliesByLease ON replies (leaseUntil) WHERE active = 1;
`
