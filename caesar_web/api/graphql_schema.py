"""The schema that GraphQL clients know: every name, and what may be null, is theirs."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from graphql import (
    DocumentNode,
    EnumValueNode,
    GraphQLError,
    GraphQLResolveInfo,
    StringValueNode,
    Visitor,
    build_schema,
    visit,
)

from caesar_web.domain.values import Unstorable, check_storable

SDL = """
schema { query: QueryRoot, mutation: MutationRoot }

"Any JSON."
scalar Json

"Seconds since 1970, with a fraction."
scalar Time

enum ActionStatus { pending completed failed }
enum RequestedData { extracts reductions subject_reductions user_reductions }
enum Status { empty pending processing failed complete canceling canceled }

type QueryRoot {
  "Who is asking."
  me: Credential
  "A workflow of yours, or one whose extracts or reductions are public."
  workflow(id: ID!): Workflow
}

type Credential {
  isAdmin: Boolean!
  isLoggedIn: Boolean!
}

type Workflow {
  id: ID!
  createdAt: Time!
  updatedAt: Time!
  extracts(subjectId: ID!, extractorKey: String): [Extract!]
  reductions(subjectId: ID!, reducerKey: String): [SubjectReduction!]
  "The same as `reductions`."
  subject_reductions(subjectId: ID!, reducerKey: String): [SubjectReduction!]
  subject_actions(subjectId: ID!): [SubjectAction!]
  user_reductions(userId: ID!, reducerKey: String): [UserReduction!]
  user_actions(userId: ID!): [UserAction!]
  data_requests: [DataRequest!]
}

type Extract {
  id: ID!
  classificationId: String
  classificationAt: Time
  workflowId: ID!
  subjectId: ID!
  extractorKey: String!
  userId: ID
  data: Json
  createdAt: Time!
  updatedAt: Time!
}

type SubjectReduction {
  projectId: ID
  workflowId: ID!
  subjectId: ID!
  reducerKey: String
  data: Json
  createdAt: Time!
  updatedAt: Time!
}

type UserReduction {
  projectId: ID
  workflowId: ID!
  userId: ID!
  reducerKey: String
  data: Json
  createdAt: Time!
  updatedAt: Time!
}

type SubjectAction {
  id: ID!
  classificationId: String
  classificationAt: Time
  workflowId: ID!
  subjectId: ID!
  effectType: String!
  status: ActionStatus!
  config: Json
  createdAt: Time!
  updatedAt: Time!
  attemptedAt: Time
  completedAt: Time
}

type UserAction {
  id: ID!
  classificationId: String
  classificationAt: Time
  workflowId: ID!
  userId: ID!
  effectType: String!
  status: ActionStatus!
  config: Json
  createdAt: Time!
  updatedAt: Time!
  attemptedAt: Time
  completedAt: Time
}

type DataRequest {
  id: ID!
  subgroup: String
  requestedData: RequestedData
  url: String
  status: Status!
}

type MutationRoot {
  createDataRequest(
    exportableId: ID!
    "Workflow or Project."
    exportableType: ID!
    requestedData: RequestedData!
    subgroup: String
    userId: Int
  ): DataRequest
  upsertExtract(
    workflowId: ID!
    subjectId: ID!
    classificationId: ID!
    extractorKey: String!
    data: Json
  ): Extract
  upsertReduction(
    workflowId: ID!
    subjectId: ID!
    reducerKey: String!
    data: Json
  ): SubjectReduction
  "Fetches a subject's classifications and processes them; false where that is under way already."
  extractSubject(workflowId: ID!, subjectId: ID!): Boolean
}
"""
KEYS = ("extractorKey", "reducerKey")


schema = build_schema(SDL)
_time: Any = schema.get_type("Time")
_time.coerce_output_value = datetime.timestamp


def resolve(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
    """A field by its name in Python: of a row or a mapping, or what a method gives."""
    try:
        check_storable(arguments)
    except Unstorable as problem:
        raise GraphQLError(str(problem)) from None
    name = in_python(info.field_name)
    found = source[name] if isinstance(source, Mapping) else getattr(source, name)
    if not callable(found):
        return found
    return found(**{in_python(each): value for each, value in arguments.items()})


def in_python(name: str) -> str:
    """A name as Python writes it: workflow_id for workflowId."""
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def with_keys_as_text(document: DocumentNode) -> DocumentNode:
    """The document with keys in quotes: the Galaxy Zoo touch table sends them without."""
    lenient: DocumentNode = visit(document, _KeysAsText())
    return lenient


class _KeysAsText(Visitor):
    def enter_argument(self, node: Any, *_: Any) -> Any:
        if node.name.value in KEYS and isinstance(node.value, EnumValueNode):
            fields = {name: getattr(node, name) for name in ("name", "loc")}
            text = StringValueNode(value=node.value.value, block=False, loc=node.value.loc)
            return type(node)(**fields, value=text)
        return None
