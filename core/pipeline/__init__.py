"""Pipelines: their JSON, everything that can be wrong with it, and what an execution knows."""

from core.pipeline.check import check, trigger_node, trigger_spec
from core.pipeline.config import Edge, Node, PipelineConfig, PipelineSettings
from core.pipeline.graph import Graph
from core.pipeline.lint import lint
from core.pipeline.load import load_json, load_text, load_yaml, parse_config

__all__ = [
    "Edge",
    "Graph",
    "Node",
    "PipelineConfig",
    "PipelineSettings",
    "check",
    "lint",
    "load_json",
    "load_text",
    "load_yaml",
    "parse_config",
    "trigger_node",
    "trigger_spec",
]
