import numpy as np, scipy.linalg as sl
D=np.load('data.npz')
def split(s):
    return [D[f'{s}_g{e}'].astype(float) for e in range(4)],D[f'{s}_first'],D[f'{s}_counts'],D[f'{s}_e']
sets={s:split(s) for s in('train','validate','test')}
mean=[];std=[]
G0=sets['train'][0]
cols=[np.flatnonzero(g.std(0)>0) for g in G0]
def feats(g,mode):
    out=[]
    for e in range(4):
        x=g[e][:,cols[e]]; m=G0[e][:,cols[e]].mean(0); s=G0[e][:,cols[e]].std(0)
        if mode=='raw': out.append((x-m)/np.sqrt((s**2).mean())) 
        if mode=='std': out.append((x-m)/np.maximum(s,1e-3*s.max()))
        if mode=='sqrt': out.append((x-m)/np.sqrt(s*s.max()))
    return out
def owner(first,counts,e):
    return np.repeat(np.arange(len(counts)),counts[:,e])
def S(k,o1,o2,n1,n2):
    t=np.zeros((n1,k.shape[1])); np.add.at(t,o1,k)
    u=np.zeros((n2,n1)); np.add.at(u,o2,t.T); return u.T
def kern(a,b,e,ell,kind):
    d2=(a*a).sum(1)[:,None]+(b*b).sum(1)[None]-2*a@b.T; d2=np.maximum(d2,0)/a.shape[1]/ell**2
    if kind=='rbf': return np.exp(-d2/2)
    if kind=='m52':
        r=np.sqrt(5*d2); return (1+r+r*r/3)*np.exp(-r)
    if kind[0]=='p': return (1+ (a@b.T)/a.shape[1]/ell**2)**int(kind[1])
n={s:len(sets[s][3]) for s in sets}
for mode in('sqrt','std','raw'):
    F={s:feats(sets[s][0],mode) for s in sets}
    for kind,ells in(('rbf',(1,2,4,8,16)),('m52',(4,8,16,32)),('p3',(1,2,4)),('p4',(1,2,4))):
        for ell in ells:
            K={s:sum(S(kern(F[s][e],F['train'][e],e,ell,kind),owner(*sets[s][1:3],e),owner(*sets['train'][1:3],e),n[s],n['train']) for e in range(4)) for s in sets}
            y=sets['train'][3]; sc=np.trace(K['train'])/n['train']
            # add composition (constant) kernel
            best=[]
            for lam in(1e-12,1e-11,1e-10,1e-9,1e-8,1e-7,1e-6,1e-5):
                cc={s:sets[s][2]@sets['train'][2].T*sc*10 for s in sets}
                try:c=sl.cho_factor(K['train']+cc['train']+lam*sc*np.eye(n['train']))
                except Exception: continue
                a=sl.cho_solve(c,y)
                err={s:1e3*np.abs(((K[s]+cc[s])@a-sets[s][3])/sets[s][2].sum(1)).mean() for s in sets}
                best.append((err['validate'],err['test'],err['train'],lam))
            print(mode,kind,ell,'val %.2f test %.2f train %.3f lam %g'%min(best),flush=True)
