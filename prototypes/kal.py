from common import *
import argparse
ap=argparse.ArgumentParser()
ap.add_argument('--B',type=int,default=20); ap.add_argument('--prec',default='float32'); ap.add_argument('--act',default='tanh:tanh:linear')
ap.add_argument('--epochs',type=int,default=11); ap.add_argument('--set',nargs='*',default=[]); ap.add_argument('--strip',type=int)
a=ap.parse_args()
from dataclasses import replace
run=run_of(B=a.B,prec=a.prec,act=a.act)
from annpot.training.kalman.settings import KalmanSettings
from annpot.training.kalman.spread import energy_spread
from annpot.training.kalman import blocks, memory
if a.strip:
    blocks.groups_of.__defaults__=(a.strip,); 
from annpot.training.kalman.program import KalmanProgram
d=run.data
unit=energy_spread(d.targets,d.sizes)
kw={}
for s in a.set:
    k,v=s.split('=')
    try: v=float(v)
    except ValueError: pass
    kw[k]=v
ks=KalmanSettings(energy_unit=unit) if 'energy_unit' not in kw else KalmanSettings()
spe=720//a.B
if 'qtau' in kw: kw['q_decay']=kw.pop('qtau')/spe
ks=replace(ks,**kw)
prog=KalmanProgram(run.parameters,run.potential.networks,replace(run.plan.step,chunk_size=spe),run.data.step_form(run.plan.step),ks)
sz=memory.parameter_sizes(prog.trained)
print(ks); print('unit',unit,'n',sum(sz.values()),[ (g.name,g.size) for g in prog.optimizer.groups])
print('memory',memory.kalman_memory(ks,sz,a.B),'est s',memory.seconds_per_update(ks,sz,a.B),flush=True)
from annpot.training.feed import Feed
feed=run.feed
tot=0
for e in range(a.epochs):
    t0=time.time(); c0=time.process_time()
    for piece in feed.pieces([(e*spe,spe)]):
        tr=prog.run(piece.tables,piece.chunk)
    dt=time.time()-t0; cpu=time.process_time()-c0
    if e: tot+=dt
    run.parameters.write_back()
    m=run.validator.measures(run.potential)
    print(e+1,'mae %.3f rmse %.3f'%(1e3*m['mae_per_atom'],1e3*m['rmse_per_atom']),'train mae %.3f'%(1e3*tr[:,6].sum()/tr[:,5].sum()),'%.1f ms/update'%(1e3*dt/spe), 'total %.1f cpu %.1f ms'%(tot,1e3*cpu/spe),{k:float(v.numpy()) for k,v in prog.optimizer.state().items() if k in('lambda','q')},flush=True)
    if not np.isfinite(m['mae_per_atom']): break
