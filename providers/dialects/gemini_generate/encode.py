"""`ChatRequest` → the JSON body of `:streamGenerateContent`.

    messages ──▶ contents
      user       text, inlineData, fileData
      assistant  "model": text, functionCall, what the vendor's tools left, as it came
      tool       "user": functionResponse, in the order of the calls

Source: google/genai/types.py, https://ai.google.dev/gemini-api/docs/thought-signatures,
…/docs/thinking, …/docs/structured-output.
"""

from __future__ import annotations

from typing import Any

from providers.dialects.gemini_generate.contents import contents, continuation_of
from providers.dialects.gemini_generate.quirks import DEFAULT, Quirks
from providers.errors import UnsupportedFeature
from providers.types import ChatRequest, Tool

Body = dict[str, Any]

# Google's own translation of effort into budgets, for models that want a number.
# 0 switches thinking off where the model allows it.
_BUDGETS = {
    "none": 0,
    "minimal": 1_024,
    "low": 1_024,
    "medium": 8_192,
    "high": 24_576,
    "max": 24_576,
}


def encode(request: ChatRequest, quirks: Quirks = DEFAULT) -> Body:
    """The JSON body. The model stands in the URL, not here.

    Raises UnsupportedFeature for a switch the wire lacks (one tool call at a time).
    """
    token = continuation_of(request)
    history = request.messages[:-1] if token else request.messages
    body: Body = {"contents": contents(history, request, quirks)}
    if token:
        body["continuationToken"] = token
    if request.system.strip():
        body["systemInstruction"] = {"parts": [{"text": request.system}]}
    if request.tools:
        if not request.parallel_tool_calls:
            raise UnsupportedFeature(
                "Gemini has no switch against parallel tool calls. Leave "
                "parallel_tool_calls on.",
                provider=quirks.provider,
            )
        body["tools"] = [{"functionDeclarations": [_tool(t) for t in request.tools]}]
        if config := _calling(request):
            body["toolConfig"] = {"functionCallingConfig": config}
    if config := _generation(request, quirks):
        body["generationConfig"] = config
    return body


def _tool(tool: Tool) -> Body:
    """The plain JSON Schema field: the older one takes a subset and refuses the rest."""
    declaration: Body = {"name": tool.name, "description": tool.description}
    if tool.parameters.get("properties"):
        declaration["parametersJsonSchema"] = tool.parameters
    return declaration


def _calling(request: ChatRequest) -> Body:
    """Empty when the vendor's default says the same."""
    match request.tool_choice:
        case "auto":
            return {}
        case "none":
            return {"mode": "NONE"}
        case "required":
            return {"mode": "ANY"}
        case name:
            return {"mode": "ANY", "allowedFunctionNames": [name]}


def _generation(request: ChatRequest, quirks: Quirks) -> Body:
    config: Body = {}
    if request.max_output_tokens is not None:
        config["maxOutputTokens"] = request.max_output_tokens
    if request.temperature is not None:
        config["temperature"] = request.temperature
    if request.stop_sequences:
        config["stopSequences"] = request.stop_sequences
    if request.response_schema is not None:
        config["responseMimeType"] = "application/json"
        config["responseJsonSchema"] = request.response_schema
    if thinking := _thinking(request, quirks):
        config["thinkingConfig"] = thinking
    return config


def _thinking(request: ChatRequest, quirks: Quirks) -> Body:
    effort = request.reasoning.effort
    if quirks.thinking == "none":
        return {}
    config: Body = {}
    if request.reasoning.visible and effort != "none":
        config["includeThoughts"] = True
    if effort is None:
        return config
    if quirks.thinking == "budget":
        config["thinkingBudget"] = _BUDGETS[effort]
    elif level := quirks.levels.get(effort):
        config["thinkingLevel"] = level
    return config
