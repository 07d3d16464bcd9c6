"""check_redistributed.py IN OUT: OUT is IN with its rewards redistributed, in Minari's layout.

IN is a bare HDF5 file, OUT a data set folder.
"""
import json
import sys

import h5py
import numpy as np

before = h5py.File(sys.argv[1])
after = h5py.File(sys.argv[2] + "/data/main_data.hdf5")
with open(sys.argv[2] + "/data/metadata.json") as file:
    metadata = json.load(file)
groups = [name for name in before if name.startswith("episode_")]
assert sorted(groups) == sorted(name for name in after if name.startswith("episode_"))
assert metadata["total_episodes"] == len(groups)
for key in ("rudder_model", "rudder_model_crc32", "rudder_version", "rudder_method"):
    assert metadata[key], key
for name in groups:
    old, new = before[name], after[name]
    for array in ("observations", "actions", "terminations", "truncations"):
        assert np.array_equal(old[array][()], new[array][()]), (name, array)
        assert old[array].id.get_type().equal(new[array].id.get_type()), (name, array)
    rewards = new["rewards"]
    assert rewards.dtype == np.float64 and rewards.shape == old["rewards"].shape
    assert rewards.chunks == rewards.shape and rewards.maxshape == (None,)
    assert abs(rewards[()].sum() - old["rewards"][()].sum()) < 1e-9
    assert not np.array_equal(rewards[()], old["rewards"][()])
    original = new["infos/original_rewards"][()]
    assert original[0] == 0 and np.array_equal(original[1:], old["rewards"][()])
    prediction = new.attrs["rudder_predicted_return"]
    assert np.all(new["infos/predicted_return"][1:] == prediction)
    assert np.all(new["infos/prediction_quality"][1:] == new.attrs["rudder_prediction_quality"])
    assert new.attrs["rudder_redistributed"] == 1
    assert new.attrs["total_steps"] == len(rewards) and new.attrs["seed"] == old.attrs["seed"]
