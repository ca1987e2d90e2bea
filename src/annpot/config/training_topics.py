"""What the reference of keywords tells of optimizers, schedules and averages."""

TRAINING_TOPICS = """\
### Optimizers

| `optimizer` | keys | what it is |
| --- | --- | --- |
| `adam` | `beta1` `beta2` `adam_eps` | Adam, as in PANNA |
| `adamw` | those, `weight_decay` | Adam with decoupled weight decay |
| `nadam` | those, `weight_decay` | Adam with Nesterov's momentum |
| `rmsprop` | `rho` `momentum` `adam_eps` `weight_decay` | gradient over its size |
| `sgd` | `momentum` `nesterov` `weight_decay` | gradient descent |
| `kalman` | `kalman_...` | extended Kalman filter, see [Kalman filter](kalman.md) |
| `gauss_newton` | `learning_rate` `gauss_newton_...` | least squares of each batch |
| `lbfgs` | `lbfgs_memory` `lbfgs_line_search` | L-BFGS over all data, of SciPy |

Decoupled weight decay multiplies all kernels by 1 - rate x `weight_decay` in each
update, those of descriptors that are zero throughout the data too; biases are left
alone. With `accumulate_steps = k` the mean gradient of k steps makes one update, with
the rate of the last of them. One of `clip_value`, `clip_norm` and `clip_global_norm`
bounds the gradient of an update. Slots of one optimizer mean nothing to another: a run
that goes on with another one, or a stage with `keep_optimizer`, begins with fresh ones
and says so; `adam` and `adamw` have the same.

The Kalman filter takes no step along a gradient: keys of clipping, decay, momentum,
learning rate and schedule, penalties and losses other than the default are refused with
it, and so are virials, accumulation and several devices. A stage of a file that has
such a key sets it to its default. `forces_cost = 1` observes forces; units, not costs,
say how much energies and forces count.

`gauss_newton` finds, for each batch, the change of all weights that makes its errors
smallest while it stays close to a part of the last change. With the residuals r of the
batch (energies, and forces along `gauss_newton_projections` random directions of each
structure), their derivatives J by the weights, D = 1 for a weight (of the first layer
1 / `g_size`, unless `standardize_power` makes its inputs small),
`gauss_newton_bias_scale` for a bias, and K = J D J^T of B rows:

    (K + lambda tr(K) / B) alpha = r - mu J v
    v <- mu v + D J^T alpha,   w <- w - rate v

with lambda = `gauss_newton_damping` and mu = `gauss_newton_momentum`. Its rate is the
part of a whole step: `learning_rate = 1`, best with `warmup_cosine` and a
`schedule_hold`. It wants `standardize = True` with `standardize_power = 0.5`, tanh,
large batches (100 energies, 60 structures with forces) and offsets near those of the
data; see the [training guide](training_guide.md). Losses other than squares, penalties,
virials, clipping and several devices are refused.
Source: G. Goldshlager, N. Abrahamsen, L. Lin, arXiv:2401.10190 (2024).

A step of `lbfgs` is an iteration: a direction and a line search along it, which takes
one evaluation of all data or a few. What is recorded of it is the loss after it, of all
data. Data are read in parts of at most `batch_size` structures, one after the other;
the parts change the rounding alone. An epoch is one iteration unless `steps_per_epoch`
or `max_steps` says otherwise. The run ends when no smaller loss is found, with
`precision = float32` sooner. All data have to be in memory, of one device; learning
rates, schedules, clipping, accumulation, weight decay and costs that change belong to
the other optimizers. A stage begins with an empty memory.

`energy_cost_end`, `forces_cost_end` and `virial_cost_end` change a cost linearly from
the first step of the run to the last. The loss of the validation data keeps the first
costs, so that its epochs can be compared.

### Schedules

With t the step from 0, r = `learning_rate`, f = `final_learning_rate`, T the length of
the run or `schedule_length`, W = `warmup` (0 without), H = `schedule_hold`, and
x = (t - W - H) / (T - W - H), 0 before and 1 after:

| `schedule` | learning rate |
| --- | --- |
| `constant` | r |
| `exponential` | r x `learning_rate_decay_factor` ^ (t / `learning_rate_decay_step`), \
in jumps with `staircase_decay_type` |
| `linear` | r + (f - r) x |
| `cosine` | f + (r - f) (1 + cos(pi x)) / 2 |
| `warmup_cosine` | r (t + 1) / W until W, then the cosine |
| `piecewise` | r, then each of `piecewise_rates` from its boundary on |
| `plateau` | r, times `plateau_factor` after each `plateau_patience` epochs in which \
`plateau_metric` was not better than ever before; not below f |

`learning_rate_constant = False` is PANNA's way to say `exponential`. A schedule over
the length of the run changes with that length.

### Standardised descriptors

With `standardize = True` the step trains for x = (G - m) / s, column by column, with
the mean m over the atoms of an element in the training data and
s = c max(sd, S / 1000)^p, where sd is the standard deviation of the column, S the
largest of the element and p = `standardize_power`. p = 1, with c = 1, makes all columns
alike; below, columns that vary more stay larger, and c makes the mean of |x|^2 1;
p = 0 centres them only. Columns that do not vary stay as they
are. Checkpoints, exports and evaluations hold first layers for plain descriptors, in
which m and s are folded. Where a run or a stage with `keep_optimizer` goes on, so do m
and s.

### Mixed precision

With `mixed_precision = bfloat16 | float16` the factors and the result of the matrix
products of hidden layers, and of their slopes, are rounded to that type. Weights,
biases, activations, the last layer, `rbf` layers, sums, the loss and the optimizer keep
their digits, and so do validation and whatever reads a checkpoint. bfloat16 has 8
significant bits and the range of float32; float16 has 11, and slopes below 6e-8 vanish:
the loss is multiplied by a factor before it is differentiated, and the gradient divided
by it. It begins as 2^15, is halved after a step whose gradient is not finite, which
moves no weight, and doubled after 2000 others in a row; `loss_scale` fixes it. What
gains time: GPUs from compute capability 8.0 (bfloat16) and 7.0 (float16) on, CPUs with
`avx512_bf16` or `amx_bf16` (bfloat16 with `use_xla = False`). Where none of them is
found the run says so.

### Averages

The averaged weights are what validation, `best_metric`, early stopping and the model
that callbacks see go by. Checkpoints hold both; `app_evaluate`, `app_extract_weights`
and child stages take the average unless `weights` or `parent_weights` says `trained`.
What is trained does not change. With w the weights and n the updates that the average a
had before:

- `ema`, after each step: a <- d a + (1 - d) w with
  d = min(`ema_decay`, (1 + n) / (10 + n)). It begins as the first weights, which the
  small d of the first steps soon forget: no bias is left to correct.
- `swa`, after each complete epoch from `swa_start` on: a <- a + (w - a) / (n + 1).
  Before, the weights themselves are seen.

a is float64. A run that goes on takes it from the checkpoint, a stage begins a new one.

### Early stopping

With `early_stopping_patience = P` a run ends after P epochs in a row in which
`early_stopping_metric` was not better than the best before by more than
`early_stopping_min_delta`; not a number is not better, and epochs that the end of the
run cuts short do not count. With `restore_best = True` the checkpoint of the end has
the weights (and averages) of the epoch with the best value, whose own checkpoint is
kept as well; the optimizer's state is that of the end. Why a run ended is told on the
screen and in its checkpoints (`ended`); a sequence of stages goes on with the next.

"""
