"""The parts of doc/keywords.md that are written by hand."""

INTRODUCTION = """\
# Keywords

Every key of the INI files of the five commands.
This page is made from the schema: `python -m annpot.config.reference` writes it anew.

Names and defaults are those of PANNA 2.0; keys that PANNA does not know are marked
(ours). *result* says whether another value can change the numbers that come out,
*stage* whether a stage of a training may override the key; *default* in words tells
what an unset key means.

- A key or a section that nobody knows, a wrong value or a missing key is an error. All
  errors of a file are told together, each with its line.
- The file with every key written out is saved beside the results of a training.
- Paths are relative to the folder in which the command is started; `~` is your home.
- Energies are in eV, lengths in angstrom unless the file names another unit.

## How an INI file is written

```
# A whole line after # or ; is a comment.
[SECTION]                  # sections: upper and lower case matter
key = value                # keys: they do not; a comment may end a line
key : value                # the same
long = 1, 2,
    3, 4                   # indented lines go on with the value
train_dir = run_%(seed)s   # another key of the same section ...
eval_dir = ${train_dir}    # ... the same ...
data = ${OTHER:key}        # ... and a key of another section
half = 50%%                # a percent sign; $${ writes the two signs ${
```

A key of a section `[DEFAULT]` counts in every section of the file that knows the key
and does not give it itself, as in PANNA. All sections can also refer to it; one that no
section knows is only for that, and an error when nothing refers to it.

`app_gvect_calculator -f DIR` (`--folder_info`) stands for `input_json_dir =
DIR/examples`, `output_gvect_dir = DIR/bin` and `log_dir = DIR`, whatever the file says.

| type | how it is written |
| --- | --- |
| boolean | `True` `yes` `on` `1`, or `False` `no` `off` `0`, in any case |
| integer | `20`, also `20.0` or `1e3`; `20.5` is an error |
| number | `0.01`, `1e-2` |
| comma list | `H, C, O, N`; `-13.6, -1029.5` |
| colon list | `128:32:1`, `1:0:1`, `load:new:new`: one item per layer |
| activation | `linear` `l` `0`, `gaussian` `gauss` `g` `1`, `rbf` `2`, \
`relu` `rl` `3`, `tanh` `th` `4`, in any case |
| a or a-b | `10` or `10-20` |
| duration | seconds, or `90m` `8h` `2d`, or `08:00:00`, or `1-12:00:00` with days |
| accelerator | `auto`, `cpu`, `gpu`, or `gpu:0,1` |
| metric | a column of `metrics.dat`: `MAE/at`, or `val_MAE/at` of the validation data |
| path | `tutorial_data/train` |

An optional key is also unset by an empty value or `None`.
"""

ABOUT_LOCAL = """\
What belongs to this machine or this run of the command and not to the potential: any
key of `app_train` with *result* = no may stand here instead of in its own section, both
is an error. Nothing of it goes into checkpoints and models.
"""

TOPICS = """\
## More about some keys

### Restart modes

| `restart_mode` | what happens |
| --- | --- |
| `default` | goes on with the same run from the newest checkpoint of `train_dir`; \
starts anew when there is none |
| `force_default` | starts anew; earlier results in `train_dir` are moved aside |
| `continue_from_last_ckpt` | goes on from the newest checkpoint, also from one of \
PANNA 2.0, with the settings that the INI file has now |
| `specific_ckpt` | the same from `restart_file`; `restart_epoch` and `restart_step` \
are for checkpoints that do not tell them; not with stages |
| `metadata` | starts anew from `networks_metadata`, which must be given; `train_dir` \
must hold no checkpoint |
| `no` | starts anew; `train_dir` must hold no checkpoint |

`default` is for interruptions: it ends where the run would have ended without one, to
the last bit. Keys with *result* = no and the length of the run may have changed;
another change, other data or another version of annpot are refused with the
difference. `continue_from_last_ckpt` tells the difference and goes on.

### Stages

A section `[STAGE:name]` is the rest of the file with some keys overridden, and a folder
of its own, `train_dir/stages/NAME`, that looks like the `train_dir` of a run without
stages. Its name has up to 100 letters, digits, `_`, `.` and `-`.

```
[TRAINING_PARAMETERS]
stages = energies, all        # app_train -c train.ini runs both

[STAGE:energies]
forces_cost = 0

[STAGE:all]                   # from the final network of energies
learning_rate = 1e-4
H.trainable = 0:0:1           # the key of an element
VALIDATION_OPTIONS.data_dir = other

[STAGE:other]                 # app_train -c train.ini --stage other
parent = energies
parent_network = best
```

- `--stage NAME` runs one stage; without it the sequence of `stages` is run, and
  without that the first stage of the file.
- In a sequence each stage starts from the network of the one before, else from that of
  its `parent`, else from the base network: the first weights that the rest of the file
  says.
- A key without a section belongs to the first of [TRAINING_PARAMETERS],
  [IO_INFORMATION], [DATA_INFORMATION], [DEFAULT_NETWORK] and [VALIDATION_OPTIONS] that
  knows it. Which keys a stage may override is in the column *stage*. The others belong
  to the whole plan: species, descriptor, networks, parts of the data, limits of a run.
- A stage inherits the rest of the file, not the overrides of its parent. `max_epochs`
  in a stage replaces `max_steps` of the file, and the other way round. References such
  as `${TRAINING_PARAMETERS:batch_size}` are resolved before stages override anything.
- `[DEFAULT]` does not count in stages. A key is unset by `None`.
- Each stage counts its steps from 0, with fresh optimizer slots unless
  `keep_optimizer = True`. Its order of the data follows from `seed` and its name.
- `train_dir/stages/plan.ini` keeps the plan; `app_stages append` adds stages to it. A
  stage that the INI file lacks stays in the plan until its section there is deleted.
- The rest of the file has to be complete without its stages. Everything is checked
  before the first step.

### Limits and keeps

A run that `max_time` or `max_epochs_per_run` ends, or Ctrl-C, SIGTERM or SIGUSR1, saves
a checkpoint first and ends with exit code 75: not finished, the same command goes on.
The other codes of every command are 0 done, 1 failed, 2 bad input.

Checkpoints are removed when they are none of these:

- one of the `max_ckpt_to_keep` newest,
- that of an epoch divisible by `keep_every_epochs`,
- one of the `keep_best` best by `best_metric`,
- the last of a run or a stage.

`best_metric` is a column of `metrics.dat`, whether `metrics` writes it or not. The
smallest value is best, of `R2` the largest:

| of | columns, also with `val_` |
| --- | --- |
| energies per atom | `MAE/at` `RMSE/at` `MSE/at` `MAPE/at` `R2/at`; `RMSE` of total \
energies |
| forces | `F_MAE` `F_RMSE` `F_MSE` `F_MAPE` `F_R2` |
| virials per atom | `V_MAE/at` `V_RMSE/at` `V_MSE/at` `V_MAPE/at` `V_R2/at` |
| the loss | `loss` `e_loss` `f_loss` `v_loss` `reg_loss` |

### Splits

`validation_split = 0.1` validates on a tenth of the structures of
`[IO_INFORMATION] data_dir` instead of a folder of their own; `test_split` keeps another
part away from the training, which app_evaluate takes with `split = test`. Who goes
where follows from the names of the structures and `split_seed` alone.

### Behaviors

Where the first weights of a layer come from:

| `behavior` | weights and biases |
| --- | --- |
| `new` | drawn from (seed, element, layer) |
| `load` | `layerN_w_file` and `layerN_b_file` where given, else `networks_metadata` |
| `keep` | `networks_metadata` (PANNA 1) |

Which of them a run may change is another question: see `trainable`.

What an element's section does not say comes from `[DEFAULT_NETWORK]`, what that does
not say from `networks_metadata`. All lists of an element, inherited ones included,
must speak of the same number of layers.

### Losses

loss = `energy_cost` (energies) + `forces_cost` (forces) + `virial_cost` (virials)
+ L1 and L2 terms.

For a structure of n atoms with an energy error x = E_network - E_reference, S = the sum
of its 3n squared errors of force components, V = the sum of the squared errors of its
virial over the 3 x 3 matrix (xx, yy, zz once; yz, xz, xy twice), in the periodic
directions:

| `loss_function` | loss of the energy |
| --- | --- |
| `quad` | x^2 |
| `quad_atom` | (x / n)^2 |
| `quad_std_atom` | x^2 / n |
| `exp_quad` | exp(p x^2), p = `energy_prefactor` |
| `exp_quad_atom` | exp(p (x / n)^2) |

| `floss_function` | loss of the forces |
| --- | --- |
| `quad` | S |
| `quad_atom` | S / n |
| `quad_percomp` | S / (3n) |
| `exp_quad` | sum of exp(error^2) over the 3n components |

| `vloss_function` | loss of the virial |
| --- | --- |
| `quad` | V |
| `quad_atom` | V / n^2, the virial per atom |
| `quad_std_atom` | V / n |
| `quad_percomp` | V / (9 n^2) |

`energy_weight`, `force_weights` and `virial_weights` divide them further: `n_atoms` by
n, `n_atoms2` by n^2, `3n_atoms` by 3n, `3n_atoms2` by (3n)^2. Losses that divide by n
already take no weight. The reductions take the mean or the sum over the structures of a
batch that have the label; structures without energy, forces or virial are left out of
that part.

"""
MORE_TOPICS = """\
### Length of a run

`max_epochs` x `steps_per_epoch` steps, or exactly `max_steps`. An epoch is any number
of steps; validation, metrics and checkpoints happen at its end. `max_steps` alone makes
epochs of max(1, `max_steps` // 10) steps; the last one may be shorter.

### Generations of mBP

The modified Behler-Parrinello functions exist in four published forms with the same
keys:

| `mbp_generation` | angular centres | pairs of one species | epsilon | where found |
| --- | --- | --- | --- | --- |
| 0 | i pi / N | counted twice | 0 | the first tutorial data of PANNA |
| 1 | (i + 1/2) pi / N | counted once | 0 | PANNA's examples of 2019; the ANI AEV |
| 2 | (i + 1/2) pi / N | counted once | 0.01 | PANNA 1 |
| 3 | (i + 1/2) pi / N | counted once | 0.001 | PANNA 2 |

The ANI AEV is generation 1 with `cosine_scale = 0.95` and `radial_prefactor = 0.25`.

### Where PANNA 2.0 does otherwise

- `save_checkpoint_steps` unset means once per epoch, not every `log_frequency` steps.
- `output_type` of app_extract_weights is `PANNA` by default, as its manual says.
- `zeta` may be any positive number; PANNA 2.0 cuts it to an integer.
- A list of etas or zetas that fits neither one value nor all centres is an error, not
  silently its first value.
- `floss_function = exp_quad` counts the components of forces, not the padding of
  smaller structures.
- `force_weights` with `floss_function = quad_atom` or `quad_percomp` is an error: they
  would divide by the atoms twice.
- `dataset_cache` also knows `auto`; `restart_epoch` and `restart_step` are integers.
- `step_number` of app_extract_weights is the exact step.
"""

OLD_NAMES = """\
## Old names

Spellings of PANNA 1 and older; each is told in one line with its present name and gets
the mathematics of PANNA 2.0 (losses are means over the batch, L2 terms are sums of
squares). A file may give an old name or the present one, not both with different
values; over `[PARALLELIZATION]` and `tensorboard_log_frequency` the present name wins.\
"""
