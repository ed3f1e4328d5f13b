"""The registry of node classes."""

import importlib
import subprocess
import sys
from importlib.metadata import EntryPoint
from types import SimpleNamespace

import pytest

import nodes
from engine.errors import PackInvalid
from engine.plugins import registry as module
from engine.plugins.registry import Registry
from tests import toys


def test_builtin_nodes_are_found_by_name():
    registry = Registry.builtin()
    spec = registry.find("KSampler")
    assert spec is not None
    assert list(spec.inputs)[:2] == ["model", "seed"]
    assert registry.find("Unheard") is None
    assert registry.near("KSamplr")[0] == "KSampler"


def test_all_are_listed_by_name():
    names = [spec.class_type for spec in Registry.of(toys.specs()).all()]
    assert names == sorted(names)
    assert len(names) == len(toys.NODES)


def test_two_classes_of_one_name_are_refused():
    with pytest.raises(PackInvalid, match="ToyAdd"):
        Registry.of([toys.ToyAdd.spec(), toys.ToyAdd.spec()])


def installed(monkeypatch, **packs):
    """The registry with these packs installed, each an object or an exception to raise."""

    class Entry:
        def __init__(self, name, offered):
            self.name, self.value, self.offered = name, f"{name}:NODES", offered

        def load(self):
            if isinstance(self.offered, Exception):
                raise self.offered
            return self.offered

    monkeypatch.setattr(module, "entry_points", lambda group: [Entry(*pack) for pack in packs.items()])
    return Registry.installed()


def test_installed_packs_come_only_when_asked_for(monkeypatch):
    registry = installed(monkeypatch, toybox=SimpleNamespace(NODES=toys.NODES))
    assert registry.find("ToyAdd").pack == "toybox"
    assert registry.find("KSampler").pack == "core"
    assert Registry.builtin().find("ToyAdd") is None


def test_pack_that_does_not_load_is_named_and_the_others_come(monkeypatch):
    registry = installed(monkeypatch, broken=ImportError("no module named x"), odd=5, worse=(5,), good=(toys.ToyAdd,))
    assert registry.find("ToyAdd").pack == "good"
    assert sorted(registry.failed) == ["broken", "odd", "worse"]
    assert registry.failed["broken"] == "ImportError: no module named x"


def test_packs_that_claim_one_name_are_refused_by_name(monkeypatch):
    with pytest.raises(PackInvalid, match=r"one.*two"):
        installed(monkeypatch, one=(toys.ToyAdd,), two=(toys.ToyAdd.spec(),))


def test_entry_points_are_those_of_the_standard_library():
    assert EntryPoint("toybox", "tests.toys", module.ENTRY_POINT_GROUP).load() is not None


def test_our_modules_list_the_classes_that_they_are_said_to():
    for name, classes in nodes.MODULES.items():
        assert tuple(node.__name__ for node in importlib.import_module(name).NODES) == classes


def test_asking_for_one_class_imports_no_other_module():
    asked = "import sys; from engine.plugins.registry import Registry; Registry.builtin().find('VAEDecode'); "
    told = "print(sorted(name for name in sys.modules if name.startswith('nodes.')))"
    done = subprocess.run([sys.executable, "-c", asked + told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['nodes.latent']"
